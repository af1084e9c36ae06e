(define (problem depots-04-eeda519fec)
  (:domain depots)
  (:objects
    d1 - depot
    t1 - truck
    h1 - hoist
    p1 p2 - pallet
    c1 c2 - crate)
  (:init
    (at t1 d1)
    (at h1 d1)
    (available h1)
    (at p1 d1)
    (at c2 d1)
    (clear c2)
    (at p2 d1)
    (at c1 d1)
    (clear c1)
    (on c2 p1)
    (on c1 p2))
  (:goal (and
    (on c1 p1))))
