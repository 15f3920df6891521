"""The Trajectory page: when has it forgotten, and what did that cost?"""
