(define (problem satellite-30-7ec16ded15)
  (:domain satellite)
  (:objects
    s1 - satellite
    i1 - instrument
    m1 m2 m3 - mode
    d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 - direction)
  (:init
    (pointing s1 d7)
    (power_avail s1)
    (on_board i1 s1)
    (calibration_target i1 d1)
    (supports i1 m1)
    (supports i1 m2)
    (supports i1 m3))
  (:goal (and
    (have_image d1 m2)
    (have_image d10 m2)
    (have_image d11 m1)
    (have_image d2 m1)
    (have_image d2 m2)
    (have_image d3 m2)
    (have_image d3 m3)
    (have_image d4 m3)
    (have_image d5 m1)
    (have_image d5 m2)
    (have_image d6 m1)
    (have_image d6 m2)
    (have_image d7 m1)
    (have_image d7 m3)
    (have_image d8 m1)
    (have_image d8 m3)
    (have_image d9 m3))))
