(define (problem satellite-04-a01a7e5bc7)
  (:domain satellite)
  (:objects
    s1 - satellite
    i1 i2 i3 i4 - instrument
    m1 - mode
    d1 d2 d3 d4 d5 - direction)
  (:init
    (pointing s1 d5)
    (power_avail s1)
    (on_board i1 s1)
    (calibration_target i1 d3)
    (supports i1 m1)
    (on_board i2 s1)
    (calibration_target i2 d5)
    (supports i2 m1)
    (on_board i3 s1)
    (calibration_target i3 d3)
    (supports i3 m1)
    (on_board i4 s1)
    (calibration_target i4 d3)
    (supports i4 m1))
  (:goal (and
    (have_image d3 m1))))
