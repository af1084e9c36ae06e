(define (problem transport-04-3be8267a9e)
  (:domain transport)
  (:objects
    v1 - vehicle
    p1 p2 - package
    l1 l2 l3 - location
    s0 s1 - size)
  (:init
    (at v1 l1)
    (at p1 l1)
    (at p2 l2)
    (capacity v1 s1)
    (capacity-predecessor s0 s1)
    (road l1 l2)
    (road l1 l3)
    (road l2 l1)
    (road l3 l1))
  (:goal (and
    (at p2 l1))))
