(define (problem spanner-04-89c85c77ab)
  (:domain spanner)
  (:objects
    bob - man
    l1 l2 l3 l4 l5 - location
    s1 - spanner
    n1 - nut)
  (:init
    (at bob l1)
    (at s1 l2)
    (usable s1)
    (at n1 l3)
    (loose n1)
    (link l1 l2)
    (link l2 l3)
    (link l3 l4)
    (link l4 l5))
  (:goal (and
    (tightened n1))))
