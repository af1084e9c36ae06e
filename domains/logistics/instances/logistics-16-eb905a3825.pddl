(define (problem logistics-16-eb905a3825)
  (:domain logistics)
  (:objects
    o1 o2 o3 - package
    t1 t2 - truck
    p1 - airplane
    a1 a2 - airport
    l1 l2 l3 - location
    c1 c2 - city)
  (:init
    (in-city a1 c1)
    (in-city l1 c1)
    (in-city l2 c1)
    (in-city l3 c1)
    (in-city a2 c2)
    (at t1 l1)
    (at t2 a2)
    (at p1 a1)
    (at o1 l2)
    (at o2 l3)
    (at o3 a2))
  (:goal (and
    (at o1 a2)
    (at o2 a1)
    (at o3 l3))))
