"""How good the valuation is, when its error holds a night, what a deal is, and which sales a car is compared with."""
