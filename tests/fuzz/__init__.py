"""
Bytes at random for everything here that reads what somebody else wrote.

    make fuzz                            # ten seconds for each parser
    make fuzz ARGS="--seconds 600 cursor settings"

Where atheris is installed (`make atheris`) the bytes are led by which lines they reach, elsewhere they are changed at random by
Hypothesis. A finding is printed with its bytes; pin it in `tests/unit/test_fuzz.py` before it is mended.
"""
