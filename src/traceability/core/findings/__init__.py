"""What rules notice: implausible or unlawful things that are recorded all the same.

Each rule is a small pure function in one of these modules, named like its finding. Its docstring states the
rule, its parameters (numbers a policy may set, see `core.policy`), its source in the trade, and what an honest
explanation could be. A finding accuses nobody: it names the events and the numbers compared, can be answered
(`response`), and is never deleted.

*Local* rules read a lot's lineage and the registry subjects it uses; server, `fsck` and the offline verifier
give the same. *Global* rules (sums over a site, party or country, tag stock, networks, what falls due) need the
whole log: they are raised once, at the entry where they first hold, and only where the whole state is at hand
(`State.whole`). Rules that read sealed values or scans end in a signed `finding` event (*stated*).
"""
