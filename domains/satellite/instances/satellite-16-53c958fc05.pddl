(define (problem satellite-16-53c958fc05)
  (:domain satellite)
  (:objects
    s1 - satellite
    i1 - instrument
    m1 m2 m3 - mode
    d1 d2 d3 d4 d5 d6 - direction)
  (:init
    (pointing s1 d1)
    (power_avail s1)
    (on_board i1 s1)
    (calibration_target i1 d2)
    (supports i1 m1)
    (supports i1 m2)
    (supports i1 m3))
  (:goal (and
    (have_image d1 m2)
    (have_image d2 m2)
    (have_image d2 m3)
    (have_image d3 m2)
    (have_image d4 m1)
    (have_image d4 m2)
    (have_image d4 m3)
    (have_image d6 m1)
    (have_image d6 m2))))
