(define (problem logistics-04-d1cb23835e)
  (:domain logistics)
  (:objects
    o1 - package
    t1 - truck
    a1 - airport
    l1 l2 - location
    c1 - city)
  (:init
    (in-city a1 c1)
    (in-city l1 c1)
    (in-city l2 c1)
    (at t1 l2)
    (at o1 a1))
  (:goal (and
    (at o1 l2))))
