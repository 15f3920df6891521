"""The Precision page: does quantizing bring back what was unlearned?"""
