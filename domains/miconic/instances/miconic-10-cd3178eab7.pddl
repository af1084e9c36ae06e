(define (problem miconic-10-cd3178eab7)
  (:domain miconic)
  (:objects
    p3 p6 p7 p8 - passenger
    f1 f2 f3 - floor)
  (:init
    (lift-at f1)
    (origin p3 f1)
    (origin p6 f1)
    (origin p7 f3)
    (origin p8 f1)
    (destin p3 f2)
    (destin p6 f2)
    (destin p7 f2)
    (destin p8 f2)
    (above f1 f2)
    (above f1 f3)
    (above f2 f3))
  (:goal (and
    (served p3)
    (served p6)
    (served p7)
    (served p8))))
