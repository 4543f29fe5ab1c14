"""A season of trade that never was: people, sites, ore and the events they sign.

Everything follows from a seed. The events are really signed, by each party's own key, and go into a ledger
through the same door as anybody's. Names, sites and firms are invented; provinces and towns are real.
"""
