"""Frauds of the trade, planted into honest seasons, to see which of them the published rules notice.

Every mode (F1 tag sale … F22 silence, as `docs/findings.md` numbers them) is told as a flow like any other trade, at
several strengths from what a careful cheat would dare to what a greedy one does. A plant remembers what it touched;
`judging` compares that with the findings of the ledger. F20, an operator who rewrites history, is no event: the
proofs of the log show it, not a rule.
"""
