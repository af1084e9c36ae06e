"""What is true: PDDL is parsed, compiled once, and plans are judged against it.

tree          the text as nested groups of words, with places; limits on size and depth
syntax        the nouns: Domain, Problem, Action and the formulas they are made of
sections      the sections of a file and the plain lists in them; notes on liberties that were accepted
grammar       typed variables, by way of the `pddl` package
check         names that nobody declared, wrong arity, wrong types; how what is not judged is refused
formulas      conditions, effects and arithmetic
requirements  which requirements a domain makes use of
rules         derived predicates in the order in which they are computed
parse         read_domain, read_problem
write         domain_text, problem_text
survey        what of a domain changes, and whether it is plain
schema        plain actions made ready to be ground
arithmetic    numbers that may have no value
ground        formulas over objects
derived       what the rules derive from a state
compile       compile_task: a task ready to judge any number of plans
execute       steps beyond plain STRIPS
join          the applicable steps of a state
judge         the verdict on a plan
unmet         which conditions failed, as PDDL text
plan          plan files
val           VAL's verdict, as a second opinion
"""
