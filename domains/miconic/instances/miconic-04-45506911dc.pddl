(define (problem miconic-04-45506911dc)
  (:domain miconic)
  (:objects
    p1 p2 p3 - passenger
    f1 f2 - floor)
  (:init
    (lift-at f2)
    (origin p1 f2)
    (origin p2 f1)
    (origin p3 f1)
    (destin p1 f1)
    (destin p2 f2)
    (destin p3 f2)
    (above f1 f2))
  (:goal (and
    (served p2))))
