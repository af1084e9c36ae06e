"""Which features of a prompt does fine-tuning pick up: those easy to extract, or those that the data speaks for?

After Lovering, Jha, Linzen and Pavlick (ICLR 2021) for supervised fine-tuning and Cruz et al. (arXiv 2311.04046) for
reinforcement learning. `pairs` is the design, `extraction` the measure of a feature's extractability, `arms` the ways
to train, `study` the whole.
"""
