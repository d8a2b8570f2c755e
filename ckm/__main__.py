"""Run ckm as ``python -m ckm``."""

from ckm.cli import main

if __name__ == "__main__":
    main()
