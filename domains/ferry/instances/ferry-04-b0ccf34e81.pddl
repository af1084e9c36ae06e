(define (problem ferry-04-b0ccf34e81)
  (:domain ferry)
  (:objects
    c1 c2 c3 c4 - car
    l1 l2 l3 l4 l5 - location)
  (:init
    (at-ferry l1)
    (empty-ferry)
    (at c1 l5)
    (at c2 l4)
    (at c3 l4)
    (at c4 l2))
  (:goal (and
    (at c4 l3))))
