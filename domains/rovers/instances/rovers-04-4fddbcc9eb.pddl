(define (problem rovers-04-4fddbcc9eb)
  (:domain rovers)
  (:objects
    general - lander
    colour high_res low_res - mode
    r1 - rover
    s1 - store
    w1 w2 w3 - waypoint
    c1 c2 - camera
    o1 o2 - objective)
  (:init
    (at_lander general w2)
    (at r1 w2)
    (equipped_for_soil_analysis r1)
    (equipped_for_rock_analysis r1)
    (equipped_for_imaging r1)
    (store_of s1 r1)
    (empty s1)
    (can_traverse r1 w2 w3)
    (can_traverse r1 w3 w2)
    (can_traverse r1 w3 w1)
    (can_traverse r1 w1 w3)
    (visible w1 w2)
    (visible w1 w3)
    (visible w2 w1)
    (visible w2 w3)
    (visible w3 w2)
    (visible w3 w1)
    (at_soil_sample w2)
    (at_soil_sample w3)
    (at_rock_sample w2)
    (at_rock_sample w3)
    (on_board c1 r1)
    (calibration_target c1 o1)
    (supports c1 colour)
    (supports c1 high_res)
    (supports c1 low_res)
    (on_board c2 r1)
    (calibration_target c2 o1)
    (supports c2 colour)
    (supports c2 high_res)
    (supports c2 low_res)
    (visible_from o1 w2)
    (visible_from o2 w1))
  (:goal (and
    (communicated_image_data o1 colour))))
