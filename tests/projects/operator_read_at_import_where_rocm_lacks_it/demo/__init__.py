from demo import fusion
