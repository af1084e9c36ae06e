(define (problem spanner-10-0c17b77615)
  (:domain spanner)
  (:objects
    bob - man
    l1 l2 l3 l4 l5 l6 l7 - location
    s1 s2 s3 - spanner
    n1 n2 - nut)
  (:init
    (at bob l1)
    (at s1 l1)
    (usable s1)
    (at s2 l3)
    (usable s2)
    (at s3 l4)
    (usable s3)
    (at n1 l1)
    (loose n1)
    (at n2 l7)
    (loose n2)
    (link l1 l2)
    (link l2 l3)
    (link l3 l4)
    (link l4 l5)
    (link l5 l6)
    (link l6 l7))
  (:goal (and
    (tightened n1)
    (tightened n2))))
