(define (problem depots-10-d47a9fa143)
  (:domain depots)
  (:objects
    d1 d2 - depot
    t1 - truck
    h1 h2 - hoist
    p1 p2 p3 p4 - pallet
    c1 c2 c3 - crate)
  (:init
    (at t1 d1)
    (at h1 d1)
    (available h1)
    (at h2 d2)
    (available h2)
    (at p1 d1)
    (at c2 d1)
    (clear c2)
    (at p2 d2)
    (clear p2)
    (at p3 d2)
    (at c3 d2)
    (clear c3)
    (at p4 d2)
    (at c1 d2)
    (clear c1)
    (on c2 p1)
    (on c3 p3)
    (on c1 p4))
  (:goal (and
    (on c3 p1)
    (on c2 p3)
    (on c1 p4))))
