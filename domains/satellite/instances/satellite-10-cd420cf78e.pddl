(define (problem satellite-10-cd420cf78e)
  (:domain satellite)
  (:objects
    s1 - satellite
    i1 i2 - instrument
    m1 m2 - mode
    d1 d2 d3 d4 - direction)
  (:init
    (pointing s1 d4)
    (power_avail s1)
    (on_board i1 s1)
    (calibration_target i1 d2)
    (supports i1 m1)
    (supports i1 m2)
    (on_board i2 s1)
    (calibration_target i2 d1)
    (supports i2 m2))
  (:goal (and
    (have_image d2 m1)
    (have_image d2 m2)
    (have_image d3 m1)
    (have_image d4 m1)
    (have_image d4 m2))))
