;; VisitAll: a robot walks over a grid until it has visited what is to be visited. After IPC 2011.
(define (domain visitall)
  (:requirements :strips :typing)
  (:types place - object)
  (:predicates
    (connected ?x - place ?y - place)
    (at-robot ?x - place)
    (visited ?x - place))

  (:action move
    :parameters (?curpos - place ?nextpos - place)
    :precondition (and (at-robot ?curpos) (connected ?curpos ?nextpos))
    :effect (and (at-robot ?nextpos) (visited ?nextpos) (not (at-robot ?curpos)))))
