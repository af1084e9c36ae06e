(define (problem ferry-10-ce6533cc62)
  (:domain ferry)
  (:objects
    c1 c2 c3 c4 c5 - car
    l1 l2 l3 l4 - location)
  (:init
    (at-ferry l2)
    (empty-ferry)
    (at c1 l3)
    (at c2 l2)
    (at c3 l1)
    (at c4 l4)
    (at c5 l3))
  (:goal (and
    (at c1 l4)
    (at c2 l4)
    (at c3 l3)
    (at c4 l4))))
