// Where a project's `paths` send an import that its layer may not have: "is not a module" is then the compiler's error.
// This file declares nothing on purpose; test/style/layers.test.ts proves that it works.
