"""Where proved plans will run: bound tools, contracts looked at again, a journal, replay.

Nothing is here yet.  Whatever comes runs what is proved, and never imports the prover.
"""
