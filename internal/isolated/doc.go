// Package isolated runs other people's programs, above all compilers. What they do must follow from the program,
// its arguments and the files that it is handed, and from nothing else. So they run
//
//   - in a private [Folder], empty at first, never in the folder of the caller. That may be a model that somebody
//     else made; Python imports from the current folder, and compilers and wrappers read settings there;
//   - with an environment of a few variables, see [Folder.Environ]. No variable that adds flags, search paths or
//     modules reaches the program;
//   - with an empty standard input.
//
// The program itself is trusted: it may do anything that its user may do.
package isolated
