"""Figures as ratios against a bare signature check measured in the same run."""
