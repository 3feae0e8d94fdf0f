"""Mutation testing of the pure core: small changes of its code, of which the unit tests have to notice each.

`sites` has the changes, by cosmic-ray's operators; `trial` runs the tests on one of them, in a fork of a process that
has imported what the tests need besides this extension.
"""
