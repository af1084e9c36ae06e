(define (problem logistics-10-d8ae6e87f1)
  (:domain logistics)
  (:objects
    o1 - package
    t1 t2 - truck
    p1 - airplane
    a1 a2 - airport
    l1 l2 l3 l4 l5 l6 - location
    c1 c2 - city)
  (:init
    (in-city a1 c1)
    (in-city l1 c1)
    (in-city l2 c1)
    (in-city l3 c1)
    (in-city a2 c2)
    (in-city l4 c2)
    (in-city l5 c2)
    (in-city l6 c2)
    (at t1 a1)
    (at t2 a2)
    (at p1 a2)
    (at o1 l4))
  (:goal (and
    (at o1 l3))))
