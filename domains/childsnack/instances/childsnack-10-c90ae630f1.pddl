(define (problem childsnack-10-c90ae630f1)
  (:domain childsnack)
  (:objects
    c1 c2 c3 c4 c5 c6 - child
    t1 - tray
    s1 s2 s3 s4 s5 s6 s7 - sandwich
    b1 b2 b3 b4 b5 b6 - bread-portion
    f1 f2 f3 f4 f5 f6 - content-portion
    table1 table2 table3 - place)
  (:init
    (at t1 kitchen)
    (no_gluten_bread b1)
    (no_gluten_content f1)
    (not_allergic_gluten c1)
    (waiting c1 table2)
    (allergic_gluten c2)
    (waiting c2 table1)
    (not_allergic_gluten c3)
    (waiting c3 table3)
    (not_allergic_gluten c4)
    (waiting c4 table3)
    (not_allergic_gluten c5)
    (waiting c5 table3)
    (not_allergic_gluten c6)
    (waiting c6 table1)
    (notexist s7)
    (no_gluten_sandwich s1)
    (at_kitchen_sandwich s6)
    (ontray s1 t1)
    (ontray s2 t1)
    (ontray s3 t1)
    (ontray s4 t1)
    (ontray s5 t1))
  (:goal (and
    (served c1)
    (served c2)
    (served c3)
    (served c4)
    (served c5)
    (served c6))))
