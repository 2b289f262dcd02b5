"""What is left of a proof when the prover has gone: certificates.

The kernel, the second condition generator and the independent audit will stand here; they are not
written yet.  Nothing here imports the verifier or a solver, and nothing rests on an `assert`.
"""
