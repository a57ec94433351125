// Package isolated runs other people's programs, compilers above all, so that what they do follows from the program,
// its arguments and the files it is handed, and from nothing else that lies around:
//
//   - in a private [Folder], empty at first, and never in that of the caller, which may be a model that
//     somebody else made: Python imports from it, compilers and wrappers read settings there;
//   - with an environment of a few variables, see [Folder.Environ]: no variable that adds flags, search paths
//     or modules reaches the program;
//   - with nothing to read on standard input.
//
// The program itself is trusted: it is not kept from anything that its user may do.
package isolated
