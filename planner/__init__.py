"""Where plans will come from: models, prompts, repair from counterexamples, scoring, search.

Nothing is here yet.  Whatever comes is trusted for nothing: a plan counts only once it is proved.
"""
