(define (problem logistics-30-ff95d315e9)
  (:domain logistics)
  (:objects
    o1 o2 o3 o4 o5 o6 o7 o8 - package
    t1 t2 t3 - truck
    p1 - airplane
    a1 a2 a3 - airport
    l1 l2 l3 - location
    c1 c2 c3 - city)
  (:init
    (in-city a1 c1)
    (in-city l1 c1)
    (in-city l2 c1)
    (in-city a2 c2)
    (in-city a3 c3)
    (in-city l3 c3)
    (at t1 l2)
    (at t2 a2)
    (at t3 l3)
    (at p1 a2)
    (at o1 a1)
    (at o2 l2)
    (at o3 a3)
    (at o4 a1)
    (in o5 p1)
    (at o6 l2)
    (at o7 l2)
    (in o8 t2))
  (:goal (and
    (at o1 a2)
    (at o2 a2)
    (at o4 l3)
    (at o5 a2)
    (at o6 a3)
    (at o7 a2)
    (at o8 l3))))
