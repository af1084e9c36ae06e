(define (problem depots-16-23d6624391)
  (:domain depots)
  (:objects
    d1 - depot
    b1 b2 - distributor
    t1 - truck
    h1 h2 h3 - hoist
    p1 p2 p3 p4 p5 - pallet
    c1 c2 c3 c4 - crate)
  (:init
    (at t1 b1)
    (at h1 d1)
    (available h1)
    (at h2 b1)
    (available h2)
    (at h3 b2)
    (available h3)
    (at p1 d1)
    (at c2 d1)
    (clear c2)
    (at p2 b1)
    (clear p2)
    (at p3 b2)
    (at c3 b2)
    (clear c3)
    (at p4 d1)
    (clear p4)
    (at p5 b2)
    (at c1 b2)
    (at c4 b2)
    (clear c4)
    (on c2 p1)
    (on c3 p3)
    (on c1 p5)
    (on c4 c1))
  (:goal (and
    (on c2 p3)
    (on c1 c2)
    (on c3 p5)
    (on c4 c3))))
