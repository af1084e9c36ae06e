"""Small tasks that a reader can hold in mind: what the replies and the golden prompts of these tests are about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.paths import domains_dir
from planbench.prompts.wording import Wording, generic_wording, load_wording

PROBLEMS = {
    # a on c; b and d on the table. The letter "a" is the hardest name that English allows.
    "letters": """(define (problem letters)
  (:domain blocksworld)
  (:objects a b c d - block)
  (:init (on a c) (ontable c) (ontable b) (ontable d) (clear a) (clear b) (clear d) (handempty))
  (:goal (and (on c b) (on a d))))
""",
    "blocks": """(define (problem blocks)
  (:domain blocksworld)
  (:objects b1 b2 b3 - block)
  (:init (ontable b1) (on b2 b1) (ontable b3) (clear b2) (clear b3) (handempty))
  (:goal (and (on b1 b2) (on b2 b3))))
""",
    "parcels": """(define (problem parcels)
  (:domain logistics)
  (:objects p1 p2 - package t1 t2 - truck a1 - airplane l1 - location ap1 ap2 - airport c1 c2 - city)
  (:init (in-city l1 c1) (in-city ap1 c1) (in-city ap2 c2) (at p1 l1) (at p2 ap2) (at t1 ap1) (at t2 ap2) (at a1 ap1))
  (:goal (and (at p1 ap2))))
""",
    "fleet": """(define (problem fleet)
  (:domain logistics)
  (:objects package1 - package truck1 truck2 - truck depot-3 - location city1 - city)
  (:init (in-city depot-3 city1) (at package1 depot-3) (at truck1 depot-3) (at truck2 depot-3))
  (:goal (and (in package1 truck2))))
""",
    "keys": """(define (problem keys)
  (:domain grid)
  (:objects n0 n1 n2 - place k1 k2 - key square round - shape)
  (:init (conn n0 n1) (conn n1 n0) (conn n1 n2) (conn n2 n1) (open n0) (open n1) (locked n2) (lock-shape n2 square)
         (key-shape k1 square) (key-shape k2 round) (at k1 n1) (at k2 n0) (at-robot n0) (arm-empty))
  (:goal (and (at k1 n2))))
""",
}
FOLDERS = {
    "letters": "blocksworld",
    "blocks": "blocksworld",
    "parcels": "logistics",
    "fleet": "logistics",
    "keys": "grid",
}


@dataclass(frozen=True)
class Example:
    task: CompiledTask
    domain_pddl: str
    problem_pddl: str
    wording: Wording


@cache
def example(name: str) -> Example:
    """One of PROBLEMS in its domain's wording, or with `-bare` behind the name in the generic one."""
    base = name.removesuffix("-bare")
    folder = domains_dir() / FOLDERS[base]
    domain_pddl = (folder / "domain.pddl").read_text(encoding="utf-8")
    domain = read_domain(domain_pddl)
    task = compile_task(domain, read_problem(PROBLEMS[base], domain))
    wording = generic_wording(domain) if base != name else load_wording(folder, domain)
    return Example(task, domain_pddl, PROBLEMS[base], wording)
