(define (problem gripper-16-e3a94c1229)
  (:domain gripper)
  (:objects
    r1 r2 r3 - room
    b1 b2 b3 b4 b5 b6 b7 b8 - ball
    left right - gripper)
  (:init
    (at-robby r1)
    (free left)
    (free right)
    (at b1 r3)
    (at b2 r2)
    (at b3 r2)
    (at b4 r2)
    (at b5 r3)
    (at b6 r1)
    (at b7 r1)
    (at b8 r2))
  (:goal (and
    (at b1 r1)
    (at b3 r2)
    (at b4 r3)
    (at b5 r1)
    (at b6 r3)
    (at b7 r3)
    (at b8 r3))))
