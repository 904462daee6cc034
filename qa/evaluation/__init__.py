"""Pure: how good retrieval, answers, citations and abstaining are on questions whose answers are known.

What asks the questions is :mod:`qa.evaluate`; here is what is made of what came.
"""
