(define (problem gripper-04-17ae3d13ee)
  (:domain gripper)
  (:objects
    r1 r2 r3 - room
    b1 b2 b3 - ball
    left right - gripper)
  (:init
    (at-robby r1)
    (free left)
    (free right)
    (at b1 r3)
    (at b2 r3)
    (at b3 r2))
  (:goal (and
    (at b1 r1))))
