"""What follows Build and Use: predict, reflect, analyze, and the challenges of optimize."""

from tinytorch.course.engagement.analyze import analyze
from tinytorch.course.engagement.challenge import challenge
from tinytorch.course.engagement.predict import predict
from tinytorch.course.engagement.reflect import reflect

__all__ = ["analyze", "challenge", "predict", "reflect"]
