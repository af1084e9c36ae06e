(define (problem childsnack-04-5eaadbce40)
  (:domain childsnack)
  (:objects
    c1 c2 c3 c4 - child
    t1 - tray
    s1 s2 s3 s4 s5 - sandwich
    b1 b2 b3 b4 - bread-portion
    f1 f2 f3 f4 - content-portion
    table1 table2 table3 - place)
  (:init
    (no_gluten_bread b1)
    (no_gluten_content f1)
    (allergic_gluten c1)
    (waiting c1 table2)
    (not_allergic_gluten c2)
    (waiting c2 table1)
    (not_allergic_gluten c3)
    (waiting c3 table3)
    (not_allergic_gluten c4)
    (waiting c4 table3)
    (notexist s5)
    (no_gluten_sandwich s2)
    (ontray s2 t1)
    (ontray s3 t1)
    (ontray s4 t1)
    (served c2)
    (at t1 table2))
  (:goal (and
    (served c1)
    (served c2)
    (served c3)
    (served c4))))
