from stage2_extractor.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
