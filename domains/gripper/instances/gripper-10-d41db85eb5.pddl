(define (problem gripper-10-d41db85eb5)
  (:domain gripper)
  (:objects
    r1 r2 r3 - room
    b1 b2 b3 b4 b5 b6 - ball
    left right - gripper)
  (:init
    (at-robby r3)
    (free left)
    (free right)
    (at b1 r1)
    (at b2 r1)
    (at b3 r3)
    (at b4 r1)
    (at b5 r1)
    (at b6 r1))
  (:goal (and
    (at b2 r2)
    (at b4 r3)
    (at b5 r1)
    (at b6 r2))))
