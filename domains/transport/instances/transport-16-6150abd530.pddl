(define (problem transport-16-6150abd530)
  (:domain transport)
  (:objects
    v1 - vehicle
    p1 p2 p3 p4 - package
    l1 l2 l3 l4 - location
    s0 s1 - size)
  (:init
    (at v1 l3)
    (at p1 l3)
    (at p2 l2)
    (at p3 l3)
    (at p4 l2)
    (capacity v1 s1)
    (capacity-predecessor s0 s1)
    (road l1 l2)
    (road l2 l1)
    (road l2 l3)
    (road l2 l4)
    (road l3 l2)
    (road l4 l2))
  (:goal (and
    (at p1 l2)
    (at p2 l1)
    (at p3 l4)
    (at p4 l1))))
