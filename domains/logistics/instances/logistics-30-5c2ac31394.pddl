(define (problem logistics-30-5c2ac31394)
  (:domain logistics)
  (:objects
    o1 o2 o3 o4 o5 o6 o7 - package
    t1 t2 t3 t4 - truck
    p1 p2 - airplane
    a1 a2 a3 a4 - airport
    l1 l2 l3 l4 l5 - location
    c1 c2 c3 c4 - city)
  (:init
    (in-city a1 c1)
    (in-city l1 c1)
    (in-city l2 c1)
    (in-city a2 c2)
    (in-city l3 c2)
    (in-city a3 c3)
    (in-city l4 c3)
    (in-city l5 c3)
    (in-city a4 c4)
    (at t1 a1)
    (at t2 a2)
    (at t3 a3)
    (at t4 a4)
    (at p1 a1)
    (at p2 a2)
    (in o1 t4)
    (at o2 a2)
    (in o3 t3)
    (at o4 a3)
    (at o5 l2)
    (at o6 a4)
    (at o7 l5))
  (:goal (and
    (at o1 l4)
    (at o2 a2)
    (at o3 l2)
    (at o4 a2)
    (at o5 l3)
    (at o6 a1))))
