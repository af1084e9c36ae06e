"""Iterative deployment: sample plans, judge them, keep what worked, fine-tune, deploy again."""
