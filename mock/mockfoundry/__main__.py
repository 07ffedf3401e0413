"""`python -m mockfoundry`: the same command as `mockfoundry`."""

from mockfoundry.cli import main

if __name__ == "__main__":
    main()
