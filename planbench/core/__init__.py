"""What is true: PDDL is parsed, compiled once, and plans are judged against it.

    tree       the text as nested groups of words, with places; limits on size and depth
    syntax     the nouns: Domain, Problem, Action and the formulas they are made of
    grammar    the words of a group handed to the `pddl` package, and its objects as our formulas
    check      what `pddl` lets through: names that nobody declared, wrong arity, wrong types
    parse      read_domain, read_problem
    write      domain_text, problem_text
    compile    compile_task: a task ready to judge any number of plans
    join       the applicable steps of a state
    judge      the verdict on a plan
    plan       plan files
"""
