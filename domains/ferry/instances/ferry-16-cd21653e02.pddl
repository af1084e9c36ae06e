(define (problem ferry-16-cd21653e02)
  (:domain ferry)
  (:objects
    c1 c2 c3 c4 c5 - car
    l1 l2 l3 l4 l5 l6 l7 - location)
  (:init
    (at-ferry l2)
    (empty-ferry)
    (at c1 l1)
    (at c2 l4)
    (at c3 l1)
    (at c4 l6)
    (at c5 l1))
  (:goal (and
    (at c2 l5)
    (at c3 l3)
    (at c4 l7)
    (at c5 l3))))
